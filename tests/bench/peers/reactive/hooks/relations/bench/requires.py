"""The relation's side; charms.reactive keeps its flags."""

from charms.reactive import Endpoint


class BenchRequires(Endpoint):
    pass
