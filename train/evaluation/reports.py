"""An evaluation to read in a terminal."""

from __future__ import annotations

from train.evaluation.evaluate import Evaluation


def as_line(result: Evaluation) -> str:
    """Returns the figures of an evaluation that matter most, in one line."""
    low, high = result.accuracy_interval
    return (
        f"{result.model:10} {result.split:11} {result.views:8} {result.pictures:5d} pictures  "
        f"accuracy {result.accuracy:.2%} ({low:.2%} to {high:.2%}), "
        f"without leaked {result.accuracy_without_leaked:.2%}  macro-F1 {result.macro_f1:.4f}  "
        f"ECE {result.ece:.4f}"
    )


def as_text(result: Evaluation) -> str:
    """Returns an evaluation as tables to read in a terminal."""
    low, high = result.accuracy_interval
    width = max(map(len, result.labels))
    head = [
        result.protocol,
        "",
        f"accuracy               {result.accuracy:7.2%}  ({low:.2%} to {high:.2%})",
        f"  without {result.leaked} leaked {result.accuracy_without_leaked:>12.2%}",
        f"macro-F1               {result.macro_f1:7.4f}",
        f"balanced accuracy      {result.balanced_accuracy:7.2%}",
        f"top-2 accuracy         {result.top2_accuracy:7.2%}",
        f"log loss               {result.log_loss:7.4f}",
        f"calibration error      {result.ece:7.4f}",
        "",
        f"{'':{width}} precision  recall      F1  support",
    ]
    classes = [
        f"{label:{width}} {row['precision']:9.2%} {row['recall']:7.2%} {row['f1']:7.4f} "
        f"{row['support']:8d}"
        for label, row in result.per_class.items()
    ]
    confusion = [
        f"{label:{width}} " + " ".join(f"{count:8d}" for count in row)
        for label, row in zip(result.labels, result.confusion, strict=True)
    ]
    columns = " ".join(f"{label:>8}" for label in result.labels)
    return "\n".join([*head, *classes, "", f"{'true':{width}} {columns}", *confusion])
