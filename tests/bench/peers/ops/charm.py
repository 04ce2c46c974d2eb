"""The charm that is measured, with ops: it reads the databag of every remote unit and writes one key."""

import ops


class Bench(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on["source"].relation_changed, self._changed)

    def _changed(self, event: ops.RelationChangedEvent):
        bags = event.relation.data
        versions = [int(bags[unit]["version"]) for unit in event.relation.units]
        bags[self.unit]["seen"] = f"{len(versions)} {sum(versions)}"


if __name__ == "__main__":
    ops.main(Bench)
