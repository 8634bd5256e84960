"""Providers as data: where they are, which key they take, what their requests look like.

Most speak OpenAI's protocol and need no package but langchain-openai. The others are asked through
their LangChain integration. docs/models.md is this table for readers.
"""

import re
from dataclasses import dataclass, field

STRUCTURED = ("schema", "object", "tool", "none")
"""How a reply is held to a JSON schema: `response_format` with it, `response_format` of any JSON
object, a tool that must be called, or the prompt alone."""
NEVER = re.compile(r"(?!)")


@dataclass(frozen=True)
class Provider:
    """One provider."""

    name: str
    title: str
    url: str = ""
    """Base address, where it speaks OpenAI's protocol; empty: the model string names it."""
    url_variables: tuple[str, ...] = ()
    """Environment variables that name another one; the first that is set counts."""
    path: str = "/v1"
    """What follows the address in these variables, where they leave it out."""
    key: str = ""
    """Environment variable of the key."""
    needs_key: bool = True
    limit: str = "max_tokens"
    """What a request calls the token limit of a reply."""
    structured: str = "none"
    """One of `STRUCTURED`."""
    cold: re.Pattern[str] = NEVER
    """Models that refuse a temperature."""
    package: str = ""
    """Package of the LangChain integration, where it speaks a protocol of its own."""
    integration: str = ""
    """What `init_chat_model` calls it."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Parameters that the integration calls otherwise; empty: it has none."""
    schema_field: str = ""
    """What the integration calls the JSON schema of a reply."""
    schema_beside: dict[str, str] = field(default_factory=dict)
    """What it wants said beside the schema."""
    aliases: tuple[str, ...] = ()
    seed: str = ""
    """What a request calls the seed of sampling; empty: the provider takes none."""


# The o-series and everything from gpt-5 on, fine-tuned or not; gpt-5-chat takes a temperature.
_OPENAI_COLD = re.compile(r"(?:^|[:/])(?:o\d|gpt-(?:[5-9]|1\d)(?!\d*[\w.-]*chat))")
_CLAUDE_COLD = re.compile(r"claude-(?:[a-z]+-)?(?:4-[7-9](?!\d)|[5-9]|\d\d(?!\d))")
RESPONSES = re.compile(r"(?:^|[:/])(?:gpt-[\d.]+-(?:pro|sol)|o\d-pro|.*codex|.*deep-research)")
"""Models of OpenAI that answer on /responses alone."""

PROVIDERS = (
    Provider(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        path="",
        key="OPENAI_API_KEY",
        limit="max_completion_tokens",
        structured="schema",
        cold=_OPENAI_COLD,
    ),
    Provider(
        "azure_openai",
        "Azure OpenAI",
        url_variables=("AZURE_OPENAI_ENDPOINT",),
        path="",
        key="AZURE_OPENAI_API_KEY",
        limit="max_completion_tokens",
        structured="schema",
        cold=_OPENAI_COLD,
        aliases=("azure",),
    ),
    Provider(
        "anthropic",
        "Anthropic",
        url_variables=("ANTHROPIC_API_URL", "ANTHROPIC_BASE_URL"),
        key="ANTHROPIC_API_KEY",
        structured="tool",
        cold=_CLAUDE_COLD,
        package="langchain-anthropic",
        integration="anthropic",
    ),
    Provider(
        "google_genai",
        "Gemini",
        url_variables=("GOOGLE_GEMINI_BASE_URL",),
        key="GOOGLE_API_KEY",
        limit="max_output_tokens",
        structured="schema",
        package="langchain-google-genai",
        integration="google_genai",
        schema_field="response_json_schema",
        schema_beside={"response_mime_type": "application/json"},
        aliases=("gemini",),
    ),
    Provider(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        ("DEEPSEEK_BASE_URL", "DEEPSEEK_API_BASE"),
        path="",
        key="DEEPSEEK_API_KEY",
        structured="object",
    ),
    Provider(
        "xai",
        "xAI",
        "https://api.x.ai/v1",
        ("XAI_BASE_URL", "XAI_API_BASE"),
        path="",
        key="XAI_API_KEY",
        structured="schema",
        seed="seed",
    ),
    Provider(
        "together",
        "Together",
        "https://api.together.xyz/v1",
        ("TOGETHER_BASE_URL", "TOGETHER_API_BASE"),
        path="",
        key="TOGETHER_API_KEY",
        structured="schema",
        seed="seed",
    ),
    Provider(
        "dashscope",
        "DashScope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_BASE_URL", "DASHSCOPE_API_BASE"),
        path="",
        key="DASHSCOPE_API_KEY",
        structured="object",
    ),
    Provider(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        ("GROQ_BASE_URL", "GROQ_API_BASE"),
        path="",
        key="GROQ_API_KEY",
        limit="max_completion_tokens",
        structured="object",
        seed="seed",
    ),
    Provider(
        "mistralai",
        "Mistral",
        "https://api.mistral.ai/v1",
        ("MISTRAL_BASE_URL",),
        path="",
        key="MISTRAL_API_KEY",
        structured="schema",
        aliases=("mistral",),
        seed="random_seed",
    ),
    Provider(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_BASE_URL", "OPENROUTER_API_BASE"),
        path="",
        key="OPENROUTER_API_KEY",
        structured="schema",
        seed="seed",
    ),
    Provider(
        "ollama",
        "Ollama",
        url_variables=("OLLAMA_HOST",),
        needs_key=False,
        limit="num_predict",
        structured="schema",
        package="langchain-ollama",
        integration="ollama",
        renamed={"timeout": "", "max_retries": ""},
        schema_field="format",
    ),
    Provider(
        "litellm",
        "LiteLLM proxy",
        "http://127.0.0.1:4000/v1",
        ("LITELLM_BASE_URL", "LITELLM_PROXY_API_BASE"),
        key="LITELLM_API_KEY",
        needs_key=False,
        structured="schema",
    ),
    Provider(
        "vllm",
        "vLLM and any other server",
        key="VLLM_API_KEY",
        needs_key=False,
        structured="schema",
        seed="seed",
    ),
    Provider(
        "llamacpp",
        "llama.cpp",
        "http://127.0.0.1:8080/v1",
        ("LLAMACPP_BASE_URL",),
        key="LLAMACPP_API_KEY",
        needs_key=False,
        structured="schema",
        seed="seed",
    ),
    Provider(
        "lmstudio",
        "LM Studio",
        "http://127.0.0.1:1234/v1",
        ("LMSTUDIO_BASE_URL",),
        key="LMSTUDIO_API_KEY",
        needs_key=False,
        structured="schema",
        seed="seed",
    ),
)

_KNOWN = {name: one for one in PROVIDERS for name in (one.name, *one.aliases)}


def provider_of(name: str) -> Provider:
    """The provider of that name; one that only LangChain knows has no entry but its name."""
    return _KNOWN.get(name) or Provider(name, name, needs_key=False, integration=name)
