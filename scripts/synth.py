"""Write the synthetic thermal set: python scripts/synth.py root=data/synthetic seed=0."""

if __name__ == "__main__":
    # Here, because the processes that draw scenes read this file too and would load all of torch.
    from detector.app.cli import command
    from detector.app.commands.synth import run

    command("synth")(run)()
