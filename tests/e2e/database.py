"""A Postgres of one gateway's own, that can be stopped and started under it."""

from tests.servers import Postgres


class Database(Postgres):
    """As installed: a commit that it confirmed is there after `stop` and `start`."""

    def _prepare(self) -> None:
        """Nothing: the session's server trades durability for speed, this one must not."""
