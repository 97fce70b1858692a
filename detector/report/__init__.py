"""Pages and figures that a person reads: `page` and `plots` are the kit, a module more for each page."""
