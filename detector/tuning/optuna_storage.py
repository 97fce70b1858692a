"""Where a study of optuna is kept, opened with care: several machines write to it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from detector.errors import UserError, first_line
from detector.files import require_regular

if TYPE_CHECKING:
    import optuna

_DESCRIPTION = "description"


@dataclass(frozen=True)
class Storage:
    """Where the study is. place: a file, or a database URL with '://'.

    description: plain values that every machine must agree on. owner: of the trials that this search begins;
    a later one of the same owner goes on with those that were cut short.
    """

    place: str
    name: str
    description: Mapping[str, Any]
    owner: str

    def open(self) -> optuna.storages.BaseStorage:
        """UserError where optuna is not installed, nothing can be stored, or it holds another study."""
        module = load_optuna()
        module.logging.set_verbosity(module.logging.WARNING)
        mine = json.loads(json.dumps(self.description))
        with self.explained():
            try:
                backend = self._backend(module)
                study = module.create_study(
                    storage=backend, study_name=self.name, direction="maximize", load_if_exists=True
                )
                found = study.user_attrs.get(_DESCRIPTION)
                study.get_trials()
            except UserError:
                raise
            except Exception as error:  # what is damaged, or was never a study, can raise anything
                raise self._failure(error) from error
            if found is None:
                study.set_user_attr(_DESCRIPTION, mine)
        if found is not None and found != mine:
            known = found if isinstance(found, dict) else {}
            other = ", ".join(key for key in mine if known.get(key) != mine[key])
            raise UserError(
                f"tune.storage={self.place}: holds a study {self.name} of other settings ({other})"
            )
        return backend

    def _backend(self, module: ModuleType) -> optuna.storages.BaseStorage:
        if "://" in self.place:
            return module.storages.RDBStorage(self.place)
        file = Path(self.place)
        require_regular(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        return module.storages.JournalStorage(module.storages.journal.JournalFileBackend(self.place))

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """A UserError in place of what the database says when it fails or is gone."""
        from sqlalchemy.exc import SQLAlchemyError  # of optuna's own requirements

        try:
            yield
        except (SQLAlchemyError, load_optuna().exceptions.StorageInternalError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> UserError:
        said = error.__cause__ or error  # optuna puts a guess before what the database says
        return UserError(f"tune.storage={self.place}: {first_line(said)[:200]}")


def load_optuna() -> ModuleType:
    """The package, which is optional; UserError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise UserError("tune.strategy=optuna needs optuna: pip install 'thermal-detector[tune]'") from None
    return optuna
