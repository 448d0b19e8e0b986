"""What readings are worth and what they must not be used for, said wherever they are shown."""

from __future__ import annotations

LIMITS = (
    "It reads expressions, not feelings: a smile is not happiness, and people show the same "
    "feeling differently.",
    "Make no decision about a person with it: none about work, school, credit, health, safety or "
    "guilt.",
    "The EU's AI Act forbids inferring emotions at workplaces and in education (Article 5(1)(f)); "
    "other laws may forbid more.",
    "It is wrong often, and not equally often for everybody.",
)
