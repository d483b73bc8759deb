"""The servers beside ours; they run in an environment of their own (``requirements-bench.txt``)."""
