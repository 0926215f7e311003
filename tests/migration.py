"""Write the next migration of a service from the difference between its tables and its migrations."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

import engines
from sori_kit import database, migrations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", help="as in `ee-feedback`")
    parser.add_argument("message", help="what changes, as a title")
    given = parser.parse_args()
    package = f"sori_{given.service.replace('-', '_')}"
    with tempfile.TemporaryDirectory() as folder, engines.running(Path(folder)) as running:
        asyncio.run(engines.wait_for_postgres(running.postgres_url))
        url = database.url_for(running.postgres_url, given.service)
        asyncio.run(migrations.upgrade(package, url))
        config = migrations.config(package, url)
        number = f"{len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1:04}"
        command.revision(config, message=given.message, autogenerate=True, rev_id=number)
        command.upgrade(config, "head")
        command.check(config)


if __name__ == "__main__":
    main()
