from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from data_samples.generator.county import COUNTY
from network import Network, read_network
from tests.prepare import prepare_catalogue

if TYPE_CHECKING:
    from tests.postgres import PostgreSQL

settings.register_profile(
    "gate",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="CI" in os.environ,  # the gate judges the change; new cases are hunted on every other run
)
settings.register_profile("quick", settings.get_profile("gate"), phases=[Phase.explicit, Phase.reuse, Phase.generate])
settings.load_profile("gate")

PROJECT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "reference" / "data"
REFERENCE = Path(os.environ.get("FUDIAN_REFERENCE_DATA", PROJECT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def county() -> Network:
    return read_network(COUNTY)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the texts before any worker starts, so that nobody tests those of yesterday."""
    if not hasattr(config, "workerinput"):
        prepare_catalogue()


def reference(folder: str) -> Path:
    """Return a folder of reference data, or skip where its licence keeps it out of the project and it is nowhere else."""
    path = GOLDEN / folder
    if path.is_dir():
        return path
    path = REFERENCE / folder
    if not path.is_dir():
        pytest.skip(f"reference data {folder} is not here; set FUDIAN_REFERENCE_DATA to the folder that holds it")
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A running PostgreSQL."""
    from tests.postgres import postgresql

    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store that is not there yet, once in each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    server: PostgreSQL = request.getfixturevalue("postgres")
    return server.new_database()
