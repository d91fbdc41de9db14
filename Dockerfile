# The service. Everything comes from the package registries by name; nothing else is fetched.
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-dev --no-group embedded --no-install-project --compile-bytecode
# The embedder is built here from its wheel, so that the image needs no network when it starts. The project itself
# is installed for its version and for `tria`; its code comes below.
COPY tools ./tools
RUN uv sync --locked --no-dev --no-install-project \
 && .venv/bin/python -c "from pathlib import Path; from tools.embedded.minilm import build_minilm; build_minilm(Path('/minilm'))" \
 && uv sync --locked --no-dev --no-group embedded --compile-bytecode

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home /data tria && mkdir -p /data/sandbox && chown -R tria /data
WORKDIR /app
COPY --from=build /app/.venv ./.venv
COPY --from=build /minilm /data/minilm
COPY api ./api
COPY graph ./graph
COPY monitoring ./monitoring
COPY nodes ./nodes
COPY policies ./policies
COPY tools ./tools
COPY pyproject.toml ./
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 TRIA_HOST=0.0.0.0 TRIA_DATA=/data \
    ANONYMIZED_TELEMETRY=False LANGSMITH_TRACING=false ORT_DISABLE_TELEMETRY=1
USER 10001
EXPOSE 8003
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8003/health/live')"]
CMD ["python", "-m", "api"]
