"""Every setting, read once from the environment, `.env` or files of secrets."""

import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graph.weak import fault_of, has_default_password
from tools.errors import SettingsInvalid

# A service that is to have exactly what its environment says names a file that does not exist.
ENV_FILE = os.environ.get("TRIA_ENV_FILE", ".env")
# A folder with a file for each secret, named as its setting in lower case: neither the command
# line nor `docker inspect` shows what is in it.
SECRETS_DIR = os.environ.get("TRIA_SECRETS_DIR") or None
ON_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def _safe_address(value: str) -> str:
    """What is fetched from elsewhere to be trusted is fetched by TLS."""
    address = urlsplit(value)
    is_local = address.scheme == "http" and address.hostname in ON_THIS_MACHINE
    if address.hostname is None or not (address.scheme == "https" or is_local):
        raise ValueError("this is no https:// address")
    return value


def _web_address(value: str) -> str:
    """A collector beside us may be reached without TLS."""
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError("this is no http:// or https:// address")
    return value


def _pairs(value: SecretStr) -> SecretStr:
    if not all("=" in each for each in value.get_secret_value().split(",") if each.strip()):
        raise ValueError("headers read name=value,name=value")
    return value


def _exact_origin(value: str) -> str:
    """As browsers send it, to the letter: a pattern would let in whoever fits it."""
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or value != f"{address.scheme}://{address.netloc}":
        raise ValueError("an origin reads https://name or https://name:port, without a path")
    if not address.hostname or "*" in value or "@" in value or value != value.lower():
        raise ValueError("an origin names one site, in lower case")
    return value


def _not_guessed(value: SecretStr) -> SecretStr:
    if fault := fault_of(value.get_secret_value()):
        raise ValueError(fault)
    return value


def _password_of_ones_own(value: SecretStr) -> SecretStr:
    """On this machine alone it may be any."""
    url = value.get_secret_value()
    if "://" not in url:
        raise ValueError("write it as an address, which begins with postgresql:// or redis://")
    is_elsewhere = urlsplit(url).hostname not in (None, *ON_THIS_MACHINE)
    if is_elsewhere and has_default_password(url):
        raise ValueError("everybody tries this password first: give the server another one")
    return value


ServerUrl = Annotated[SecretStr, AfterValidator(_password_of_ones_own)]
Origin = Annotated[str, AfterValidator(_exact_origin)]


class Settings(BaseSettings):
    """Settings of one process. Names are the environment variables in lower case."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        secrets_dir=SECRETS_DIR,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    database_url: ServerUrl
    redis_url: ServerUrl
    chroma_url: str | None = None
    tria_data: Path = Path(".tria")
    tria_host: str = "127.0.0.1"
    tria_port: int = Field(8003, ge=1, le=65535)
    tria_public_url: str | None = None  # where customers reach the service
    tria_secret: Annotated[SecretStr, AfterValidator(_not_guessed)]
    tria_demo: bool = False
    tria_checkpoint_days: int = Field(14, ge=0)  # how far back a finished turn can be gone into
    # Between two synthetic conversations, each of some eight calls of Xero; 0: none is held.
    tria_synthetic_seconds: float = Field(0, ge=0)
    tria_webhook_hosts: Annotated[tuple[str, ...], NoDecode] = ()  # that may hear of ended runs
    tria_metrics_open: bool = True  # else /metrics asks for a credential with the scope metrics
    tria_cors_origins: Annotated[tuple[Origin, ...], NoDecode] = ()  # sites whose pages may ask

    # Another sign-in, whose tokens are accepted beside ours. All three, or none.
    tria_jwks_url: Annotated[str, AfterValidator(_safe_address)] | None = None
    tria_jwt_issuer: str | None = None
    tria_jwt_audience: str | None = None

    # What may be asked in a minute, and how many streams may be open at once; 0: no limit.
    tria_user_reads: int = Field(12_000, ge=0)
    tria_user_turns: int = Field(1_200, ge=0)
    tria_user_streams: int = Field(200, ge=0)  # in each process
    tria_service_reads: int = Field(600_000, ge=0)
    tria_service_turns: int = Field(60_000, ge=0)
    tria_trusted_proxies: str = ""  # whose X-Forwarded-For is believed: addresses and networks

    tria_drain_notice_seconds: float = Field(0, ge=0)  # for proxies to see that it leaves
    tria_drain_seconds: float = Field(10, ge=0)  # for steps in flight, before they are cut

    xero_api_url: str = "https://api.xero.com"
    xero_token_url: str = "https://identity.xero.com/connect/token"  # noqa: S105 (an address)
    xero_client_id: str
    xero_client_secret: SecretStr
    xero_authorize_url: str = "https://login.xero.com/identity/connect/authorize"
    xero_connections_url: str = "https://api.xero.com/connections"
    xero_redirect_url: str | None = None  # where Xero sends the admin's browser back to
    xero_tenant_id: str | None = None  # any other organisation is refused then
    xero_refresh_token: SecretStr | None = None
    xero_webhook_key: SecretStr | None = Field(None, min_length=1)  # without it: no webhooks
    xero_sales_account: str = "200"
    xero_minute_limit: int = Field(60, ge=1)
    xero_day_limit: int = Field(5000, ge=1)  # 1,000 on Xero's Starter tier

    # Where traces of turns go by OTLP, with what headers (name=value, with commas), and which share
    # of them; those of failed turns always go.
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_web_address)] | None = None
    otel_exporter_otlp_headers: Annotated[SecretStr, AfterValidator(_pairs)] = SecretStr("")
    tria_trace_share: float = Field(1, ge=0, le=1)

    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-4.1-mini"
    openai_daily_usd: Decimal = Field(Decimal(20), ge=0)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, found: dict[str, object]) -> dict[str, object]:
        """An empty file of a secret is none, as an empty variable is."""
        return {name: value for name, value in found.items() if value != ""}

    @field_validator("tria_cors_origins", "tria_webhook_hosts", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(each.strip() for each in value.split(",") if each.strip())

    @model_validator(mode="after")
    def _whole_sign_in(self) -> "Settings":
        named = (self.tria_jwks_url, self.tria_jwt_issuer, self.tria_jwt_audience)
        if any(named) and not all(named):
            raise ValueError(
                "TRIA_JWKS_URL, TRIA_JWT_ISSUER and TRIA_JWT_AUDIENCE go together: set all or none"
            )
        return self

    @property
    def otlp_headers(self) -> dict[str, str]:
        """What is sent to the collector with every trace."""
        said = self.otel_exporter_otlp_headers.get_secret_value()
        pairs = (each.partition("=") for each in said.split(",") if each.strip())
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}

    @property
    def public_url(self) -> str:
        """Where customers reach the service: what links to documents begin with."""
        if self.tria_public_url:
            return self.tria_public_url.rstrip("/")
        host = "127.0.0.1" if self.tria_host in ("0.0.0.0", "::") else self.tria_host  # noqa: S104 (read)
        return f"http://{host}:{self.tria_port}"


def environment() -> dict[str, str]:
    """Every variable that is set: in the environment, else in `.env`, else in a file of secrets."""
    kept = dict(_secrets()) | {k: v for k, v in dotenv_values(ENV_FILE).items() if v}
    return kept | {k: v for k, v in os.environ.items() if v or k not in kept}


def _secrets() -> Iterator[tuple[str, str]]:
    """Kubernetes keeps folders with two dots beside the files."""
    for file in Path(SECRETS_DIR).glob("[!.]*") if SECRETS_DIR else ():
        if file.is_file() and (secret := file.read_text().strip()):
            yield file.name.upper(), secret


def read_settings(known: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or take those that are known; SettingsInvalid names each wrong one."""
    if SECRETS_DIR and not Path(SECRETS_DIR).is_dir():
        raise SettingsInvalid(f"TRIA_SECRETS_DIR: there is no folder {SECRETS_DIR}.")
    try:
        if known is None:
            return Settings()
        return Settings.model_validate({name.lower(): v for name, v in known.items() if v})
    except ValidationError as error:  # whose own words quote the values: it goes no further
        lines = [f"  {_name(e['loc'])}: {e['msg']}" for e in error.errors()]
        raise SettingsInvalid(
            "These settings are missing or wrong (see .env.example):\n" + "\n".join(lines)
        ) from None


def _name(place: tuple[int | str, ...]) -> str:
    return str(place[0]).upper() if place else "SETTINGS"
