from __future__ import annotations

from train.evaluation.trials import BASELINE, Trial, as_table


def trial(change: str, seed: int, accuracy: float) -> Trial:
    return Trial(change, seed, "PublicTest", 100, accuracy, 1.0, 2_500_000, 40_000_000, 800, 9.5)


def test_differences_are_taken_seed_by_seed() -> None:
    table = as_table(
        [
            trial(BASELINE, 0, 0.60), trial(BASELINE, 1, 0.64),
            trial("worse", 0, 0.59), trial("worse", 1, 0.61),
            trial("better", 0, 0.65),
        ]
    ).splitlines()  # fmt: skip
    rows = [line.split(" | ") for line in table[2:]]
    assert [row[0] for row in rows] == ["| better", "| baseline", "| worse"]
    assert rows[0][1:3] == ["65.00 %", "+5.00"]
    assert rows[1][1:3] == ["62.00 ± 2.83 %", ""]
    assert rows[2][2] == "-2.00 ± 1.41"
    assert rows[0][4:] == ["1", "2.50 M", "40.0 M |"]
