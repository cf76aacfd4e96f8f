"""Values, durations and pages in the form that people read."""
