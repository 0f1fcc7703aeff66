"""CloudWatch of the embedded AWS: alarms ring. Moto keeps alarms and the metrics that are put, and looks at neither."""

from elt_redshift.local.cloudwatch.alarms import apply, evaluations
from elt_redshift.local.cloudwatch.metrics import count_end

__all__ = ["apply", "count_end", "evaluations"]
