"""Name the path of each file of a project, make and find projects, and read a project's secret."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ConfigError, ProjectError
from omentum.names import checked_case_id, checked_name
from omentum.project.settings import Settings, read_settings, write_settings
from omentum.volumes.atomic import writing
from omentum.volumes.labels import organ

__all__ = [
    "ProjectFolder",
    "create_project",
    "open_project",
    "read_secret",
]

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """The paths of a project; nothing is made or read by asking for one.

    Example:
        >>> ProjectFolder(Path("atlas")).prediction_dir("BTCV_0002", "starter").as_posix()
        'atlas/cases/BTCV_0002/networks/starter'
    """

    root: Path

    @property
    def settings_path(self) -> Path:
        """The settings; where this file is, a project is."""
        return self.root / "omentum.toml"

    @property
    def secret_path(self) -> Path:
        """The random secret behind the pseudonyms of patients, for its owner's eyes only."""
        return self.root / "secret.key"

    @property
    def cases_dir(self) -> Path:
        """One folder a case."""
        return self.root / "cases"

    @property
    def releases_dir(self) -> Path:
        """One folder a release."""
        return self.root / "releases"

    @property
    def backups_dir(self) -> Path:
        """Backups of the database that a command made before it replaced it."""
        return self.root / "backups"

    @property
    def shards_dir(self) -> Path:
        """Journals of shards, until they are merged into the database."""
        return self.root / "shards"

    @property
    def programs_dir(self) -> Path:
        """A file of each program that has the project open to write to it."""
        return self.root / "programs"

    @property
    def cache_dir(self) -> Path:
        """What can be computed anew; may be deleted at any time."""
        return self.root / "cache"

    def case_dir(self, case_id: str) -> Path:
        """Give the folder of a case."""
        return self.cases_dir / checked_case_id("case_id", case_id)

    def prediction_dir(self, case_id: str, network: str) -> Path:
        """Give the folder of what one network made of a case."""
        return self.case_dir(case_id) / "networks" / checked_name("network", network)

    def attention_dir(self, case_id: str) -> Path:
        """Give the folder of a case's attention maps."""
        return self.case_dir(case_id) / "attention"

    def shown_dir(self, case_id: str) -> Path:
        """Give the folder of masks that are shown in the place of a case's own."""
        return self.case_dir(case_id) / "shown"

    def revision_dir(self, case_id: str, organ_name: str) -> Path:
        """Give the folder of one organ's revisions; an unknown organ raises `UnknownOrganError`."""
        return self.case_dir(case_id) / "revisions" / organ(organ_name).name

    def network_dir(self, name: str) -> Path:
        """Give the folder of a network that was tuned here."""
        return self.root / "networks" / checked_name("network", name)

    def round_dir(self, number: int) -> Path:
        """Give the folder of a round's report; rounds count from 1."""
        if number < 1:
            raise ConfigError("round", number, "rounds count from 1")
        return self.root / "rounds" / str(number)

    def release_dir(self, version: str) -> Path:
        """Give the folder of a release."""
        return self.releases_dir / checked_name("version", version)


def create_project(root: Path, settings: Settings) -> ProjectFolder:
    """Make a project in a folder, which may hold other files already.

    Raises:
        ProjectError: There is a project already, or the folder cannot be written to.
    """
    folder = ProjectFolder(root)
    if folder.settings_path.exists():
        raise ProjectError(f"{root} holds a project already; work in it with `omentum -C {root} status`")
    try:
        folder.cases_dir.mkdir(parents=True, exist_ok=True)
        if not folder.secret_path.exists():
            _write_secret(folder.secret_path)
        write_settings(folder.settings_path, settings)
    except OSError as error:
        raise ProjectError(
            f"no project can be made in {root} ({error.strerror}); name another folder"
        ) from None
    return folder


def open_project(root: Path) -> tuple[ProjectFolder, Settings]:
    """Find a project and read its settings.

    Raises:
        ProjectError: There is none.
        ConfigError: Its settings cannot be used.
    """
    folder = ProjectFolder(root)
    if not folder.settings_path.is_file():
        raise ProjectError(
            f"{root} holds no project (no {folder.settings_path.name}); make one with `omentum init`"
        )
    return folder, read_settings(folder.settings_path)


def _write_secret(path: Path) -> None:
    with writing(path) as part:
        part.touch(mode=0o600, exist_ok=False)  # closed to others before there is anything to read
        part.write_text(secrets.token_hex(_SECRET_BYTES) + "\n", encoding="ascii")


def read_secret(folder: ProjectFolder) -> bytes:
    """Read the project's secret.

    Raises:
        ProjectError: It is missing or damaged; a new one would give patients new pseudonyms.
    """
    try:
        secret = bytes.fromhex(folder.secret_path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        secret = b""
    if len(secret) != _SECRET_BYTES:
        rule = f"must hold the {2 * _SECRET_BYTES} hexadecimal digits that it was made with"
        raise ProjectError(f"{folder.secret_path} {rule}; bring it back from a backup")
    return secret
