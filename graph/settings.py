"""Every setting, read once from the environment or `.env`."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tools.errors import SettingsInvalid


class Settings(BaseSettings):
    """Settings of one process. Names are the environment variables in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: SecretStr
    redis_url: SecretStr
    chroma_url: str | None = None
    tria_data: Path = Path(".tria")
    tria_host: str = "127.0.0.1"
    tria_port: int = Field(8003, ge=1, le=65535)
    tria_public_url: str | None = None  # where customers reach the service
    tria_secret: SecretStr = Field(min_length=32)
    tria_demo: bool = False

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

    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-4.1-mini"
    openai_daily_usd: Decimal = Field(Decimal(20), ge=0)

    @property
    def public_url(self) -> str:
        """Where customers reach the service: what links to documents begin with."""
        if self.tria_public_url:
            return self.tria_public_url.rstrip("/")
        host = "127.0.0.1" if self.tria_host in ("0.0.0.0", "::") else self.tria_host  # noqa: S104 (read)
        return f"http://{host}:{self.tria_port}"


def environment() -> dict[str, str]:
    """Every variable that is set, in the environment or in `.env`; the environment wins."""
    return {k: v for k, v in dotenv_values(".env").items() if v} | dict(os.environ)


def read_settings(known: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or take those that are known; SettingsInvalid names each wrong one."""
    try:
        if known is None:
            return Settings()
        return Settings.model_validate({name.lower(): v for name, v in known.items() if v})
    except ValidationError as error:
        lines = [f"  {str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsInvalid(
            "These settings are missing or wrong (see .env.example):\n" + "\n".join(lines)
        ) from error
