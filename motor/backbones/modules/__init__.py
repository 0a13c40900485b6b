"""Plug-ins: what stands beside any forecaster, and changes nothing before it is trained (`axes.modules`)."""
