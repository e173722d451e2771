from tests.simulator.fixture import simulator

__all__ = ["simulator"]
