import gc

from openledger_node.node.collector import calm_collector


def test_what_is_there_is_left_out_and_the_rest_is_looked_at_less_often() -> None:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        calm_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > 700
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
