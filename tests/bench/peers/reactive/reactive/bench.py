"""The charm that is measured, with charms.reactive: it reads all remote databags and writes one key."""

from charms.reactive import clear_flag, endpoint_from_name, when


@when("endpoint.source.changed")
def changed():
    for relation in endpoint_from_name("source").relations:
        versions = [int(unit.received_raw["version"]) for unit in relation.units]
        relation.to_publish_raw["seen"] = f"{len(versions)} {sum(versions)}"
    clear_flag("endpoint.source.changed")
