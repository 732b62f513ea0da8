# A reverse proxy before three gateways; reloads without dropping what it carries.
ARG BASE=python:3.11-slim
FROM ${BASE}
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/*
COPY ci/healthcheck.py /healthcheck.py
COPY ci/nginx.conf /etc/nginx/nginx.conf
USER 10001:10001
CMD ["nginx", "-g", "daemon off;"]
