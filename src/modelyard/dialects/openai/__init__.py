"""OpenAI's API for completions and chat, for deployments that generate text.

https://platform.openai.com/docs/api-reference/completions and …/chat
"""

from modelyard.dialects.openai import models
from modelyard.dialects.openai.dialect import openai

__all__ = ["models", "openai"]
