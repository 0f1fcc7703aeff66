"""Settings of Redshift's sessions that PostgreSQL does not have."""

from __future__ import annotations

#: Settings of Redshift's sessions that change nothing here.
IGNORED_SETTINGS = frozenset(
    {
        "analyze_threshold_percent",
        "cast_super_null_on_error",
        "describe_field_name_in_uppercase",
        "downcase_delimited_identifier",
        "enable_case_sensitive_identifier",
        "enable_case_sensitive_super_attribute",
        "enable_numeric_rounding",
        "enable_result_cache_for_session",
        "error_on_nondeterministic_update",
        "json_serialization_enable",
        "json_serialization_parse_nested_strings",
        "max_concurrency_scaling_clusters",
        "max_cursor_result_set_size",
        "mv_enable_aqmv_for_session",
        "navigate_super_null_on_error",
        "parse_super_null_on_error",
        "query_group",
        "spectrum_enable_pseudo_columns",
        "spectrum_query_maxerror",
        "stored_proc_log_min_messages",
        "use_fips_ssl",
        "wlm_query_slot_count",
    }
)
