"""All that infrastructure code may know: names, numbers, settings, metrics and panels."""
