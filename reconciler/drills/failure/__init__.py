"""The failure drill: each way in which the pipeline fails, and its redrive."""
