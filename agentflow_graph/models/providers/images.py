"""Which models of a provider take images, by their names.

A name that nothing here matches takes none; `?images=true` behind a model string says otherwise.
Sources: the providers' lists of models, and the names that open families publish under.
"""

import re

from agentflow_graph.models.providers.table import Provider

_OPENAI = (
    r"gpt-4o(?!.*(?:audio|realtime|transcribe|tts|search))|chatgpt-4o|gpt-4\.[15]"
    r"|gpt-4-(?:turbo(?!-preview)|vision)|gpt-(?:[5-9]|[1-9]\d)(?!\d*[\w.-]*audio)"
    r"|o1(?!-mini|-preview)|o3(?!-mini)|o[4-9]"
)
_CLAUDE = r"claude-(?!instant|v?[12](?:\D|$))"
_GEMINI = r"gemini-(?!embedding)(?!.*tts)"
_GROK = r"grok-(?:[\w.-]*vision|[4-9](?!-code)|[1-9]\d)"
_MISTRAL = (
    r"pixtral|mistral-(?:small-(?:latest|25|26|3\.[1-9])|medium-(?:latest|25|26|3)"
    r"|large-(?:latest|2512|26|3))|ministral-3|magistral-(?:small|medium)-(?:latest|2509)"
)
_OPEN = (
    r"[\w.-]*(?:\b|-|\d)vl(?:\b|m|\d)|qvq|qwen[\w.-]*omni|llava|bakllava|pixtral|internvl|minicpm-[vo]"
    r"|llama-?4|llama-?3\.2-(?:11|90)b|llama3\.2-vision|gemma-?(?:3n?|[4-9])(?!.*(?:\b|-)(?:1b|270m))"
    r"|phi-?(?:3\.5-vision|4-multimodal)|molmo|idefics|paligemma|smolvlm|aya-vision|moondream"
    r"|glm-(?:4v|4\.[156]v)|kimi-k2\.[5-9]|[\w.-]*-vision"
)
_BY_PROVIDER = {
    "openai": _OPENAI,
    "azure_openai": _OPENAI,
    "anthropic": _CLAUDE,
    "google_genai": f"{_GEMINI}|{_OPEN}",
    "xai": _GROK,
    "mistralai": _MISTRAL,
    "deepseek": "(?!)",
}
_ANY = "|".join((_OPENAI, _CLAUDE, _GEMINI, _GROK, _MISTRAL, _OPEN))
"""Where a server has models of many makers, as OpenRouter and one's own servers do."""


def sees(provider: Provider, name: str) -> bool:
    """Whether the model called `name` there takes images."""
    names = _BY_PROVIDER.get(provider.name, _ANY)
    return re.search(rf"(?:^|[/:])(?:{names})", name, re.IGNORECASE) is not None
