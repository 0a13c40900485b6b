"""Sensors of one machine at one moment as the nodes of a graph."""

from motor.backbones.graph.settings import Graph

PLUGIN = Graph
