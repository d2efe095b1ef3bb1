"""How much later presses around a kill are than without one."""

from bench.urgent import Window, _of_windows

WINDOWS = [Window("", 0, 20), Window("alerts-1", 25, 45), Window("ingest-main", 50, 70)]


def found_of(took_s):
    pressed_s = {f"h-{second}": float(second) for second in range(70)}
    return _of_windows(
        WINDOWS, pressed_s, {home: took_s(at_s) for home, at_s in pressed_s.items() if took_s(at_s) is not None}
    )


def test_a_kill_that_costs_nothing_is_kept():
    found = found_of(lambda _: 0.05)
    assert found["ok"]
    assert {name: each["moved_s"] for name, each in found["by_kill"].items()} == {"alerts-1": 0.0, "ingest-main": 0.0}
    assert found["by_kill"]["alerts-1"]["presses"] == 20


def test_a_kill_that_costs_a_second_is_named():
    found = found_of(lambda at_s: 1.5 if 50 <= at_s < 53 else 0.05)
    assert not found["ok"]
    assert found["moved"] == ["ingest-main"]


def test_a_press_without_a_case_is_never_well():
    found = found_of(lambda at_s: None if at_s == 47 else 0.05)
    assert (found["lost"], found["ok"]) == (1, False)
