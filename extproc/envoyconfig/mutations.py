"""Removes headers by the beginning of their names."""

from collections.abc import Iterable

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutation as Mutation,
)
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutationRemoveOnMatch
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as MutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from extproc.envoyconfig.manager import http_filter


def removal(prefix: str) -> Mutation:
    matcher = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(prefix=prefix))
    return Mutation(remove_on_match=matcher)


def removing(request: Iterable[str] = (), answer: Iterable[str] = ()) -> HttpFilter:
    """A filter that removes headers with these prefixes on the way in and on the way out."""
    mutations = Mutations(
        request_mutations=[removal(prefix) for prefix in request],
        response_mutations=[removal(prefix) for prefix in answer],
    )
    return http_filter("envoy.filters.http.header_mutation", MutationFilter(mutations=mutations))
