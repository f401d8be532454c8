# One image for every service; the command chooses which.
FROM python:3.12-slim-trixie AS build
WORKDIR /src
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY core core
COPY api api
COPY worker worker
COPY client client
COPY migrations migrations
RUN python -m venv /opt/reglab \
    && /opt/reglab/bin/pip install --no-cache-dir -c constraints.txt '.[server,otel]'

FROM python:3.12-slim-trixie
# For backups; at least as new as the database.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --uid 10001 reglab \
    && mkdir -p /data /cache && chown reglab:reglab /data /cache
COPY --from=build /opt/reglab /opt/reglab
ENV PATH=/opt/reglab/bin:$PATH \
    REGLAB_HOME=/data \
    REGLAB_CACHE_DIR=/cache \
    NUMBA_CACHE_DIR=/cache/numba \
    MPLCONFIGDIR=/cache/matplotlib \
    PYTHONUNBUFFERED=1
USER reglab
WORKDIR /data
EXPOSE 8000
CMD ["reglab", "server"]
