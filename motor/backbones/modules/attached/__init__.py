"""Modules attached to a forecaster: their networks, and the forecaster of both."""
