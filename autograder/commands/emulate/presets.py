"""What Gradescope gives a container: the sizes that an assignment's settings offer, and its wall clock.

Why separate: they are the platform's facts, which a person chooses from and everything else here only obeys.
"""

from __future__ import annotations

import msgspec

MINUTES, MOST_MINUTES = 10, 40  # the settings' default and their end


class Preset(msgspec.Struct, frozen=True):
    """A container: so many processors, so much memory (MB of 2**20 bytes), so many seconds."""

    name: str
    cpus: float
    memory_mb: int
    seconds: float = MINUTES * 60.0

    def words(self) -> str:
        """As the settings write it."""
        return f"{self.cpus:g} CPU, {self.memory_mb / 1024:.3g} GB, {self.seconds / 60:.3g} min"


# From the settings' page: the first one is the default.
PRESETS = {
    preset.name: preset
    for preset in (
        Preset("default", 0.5, 768),
        Preset("medium", 1.0, 1536),
        Preset("large", 2.0, 3072),
        Preset("largest", 4.0, 6144),
    )
}
