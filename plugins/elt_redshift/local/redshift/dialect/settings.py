"""Settings of Redshift's sessions that PostgreSQL does not have."""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.tokens import text, words

#: Settings of Redshift's sessions that change nothing here.
IGNORED_SETTINGS = frozenset(
    {
        "analyze_threshold_percent",
        "cast_super_null_on_error",
        "datashare_break_glass_session_var",
        "default_geometry_encoding",
        "default_identity_namespace",
        "describe_field_name_in_uppercase",
        "downcase_delimited_identifier",
        "enable_case_sensitive_identifier",
        "enable_case_sensitive_super_attribute",
        "enable_numeric_rounding",
        "enable_result_cache_for_session",
        "enable_spectrum_oid",
        "enable_vacuum_boost",
        "error_on_nondeterministic_update",
        "interval_forbid_composite_literals",
        "json_serialization_enable",
        "json_serialization_parse_nested_strings",
        "max_concurrency_scaling_clusters",
        "max_cursor_result_set_size",
        "mv_enable_aqmv_for_session",
        "navigate_super_null_on_error",
        "parse_super_null_on_error",
        "pg_federation_repeatable_read",
        "query_group",
        "spectrum_enable_pseudo_columns",
        "spectrum_query_maxerror",
        "stored_proc_log_min_messages",
        "use_fips_ssl",
        "wlm_query_slot_count",
    }
)


def setting_of(tokens: Sequence[Token]) -> str:
    """SET or RESET of a setting that PostgreSQL has; Redshift's own functions stay in every search path."""
    found = words(tokens, len(tokens))
    is_path = found[0] == "set" and "search_path" in found[1:3] and found[-1] != "default"
    return f"{text(tokens)}, redshift, pg_catalog" if is_path else text(tokens)
