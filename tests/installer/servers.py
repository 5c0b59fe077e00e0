# SPDX-License-Identifier: MIT
"""The servers that packages are fetched from: nginx."""

import os
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """nginx on loopback with a configuration, folder and port of its own."""

    CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {web};
        location /forbidden/ {{ return 403; }}
        location = /old/pkgname.wmopkg {{ return 302 /pkgname.wmopkg; }}
        location = /ftp/pkgname.wmopkg {{ return 302 ftp://127.0.0.1/pkgname.wmopkg; }}
        location = /file/pkgname.wmopkg {{ return 302 file:///etc/passwd; }}
        location = /round/pkgname.wmopkg {{ return 302 /round/pkgname.wmopkg; }}
        location = /nowhere/pkgname.wmopkg {{ return 204; }}
    }}
}}
"""

    def __init__(self, folder, web):
        self.port = free_port()
        os.mkdir(folder)
        configuration = os.path.join(folder, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(self.CONFIGURATION.format(folder=folder, web=web, port=self.port))
        self.process = subprocess.Popen(
            ["nginx", "-e", os.path.join(folder, "error.log"), "-c", configuration],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("nginx does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait()
