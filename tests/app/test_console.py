"""How commands speak."""

from omentum.app.console import say_table


def test_a_long_table_has_no_frame_and_each_row_in_a_line(capsys):
    say_table("all", ["case", "Dice"], [(f"case {k}", k / 1000) for k in range(1000)])
    title, head, first, *_, last = capsys.readouterr().out.splitlines()
    assert (title, head.split()) == ("all", ["case", "Dice"])
    assert (first, last) == ("case 0    0.000", "case 999  0.999")
