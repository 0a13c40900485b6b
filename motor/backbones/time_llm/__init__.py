"""Time-LLM: patches of a signal in the words of a frozen language model."""

from motor.backbones.time_llm.settings import TimeLlm

PLUGIN = TimeLlm
