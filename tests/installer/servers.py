# SPDX-License-Identifier: MIT
"""
The servers that packages are fetched from: nginx, vsftpd, tftpd-hpa and OpenSSH on loopback.

Each daemon lives in namespaces of its own, with accounts of its own: nothing of the system is
changed, and nothing of it outlives the tests, however those end.
"""

import os
import signal
import socket
import subprocess
import threading
import time

USER, PASSWORD = "bob", "open sesame"
UID = 64321  # nobody's on this machine, it is hoped


def free_port(kind=socket.SOCK_STREAM):
    """A port that is free on both loopbacks."""
    while True:
        with socket.socket(socket.AF_INET, kind) as four, \
                socket.socket(socket.AF_INET6, kind) as six:
            four.bind(("127.0.0.1", 0))
            try:
                six.bind(("::1", four.getsockname()[1]))
            except OSError:
                continue
            return four.getsockname()[1]


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


class Daemon:
    """A program in the foreground; close() returns when it and all its children are gone."""

    BESIDE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
              "--kill-child=KILL")

    def __init__(self, folder, words, setup=""):
        """@setup: shell commands for the program's own mounts"""
        self.folder = folder
        self.output = open(f"{folder}/output", "wb")
        self.process = subprocess.Popen(
            # not as the first of its namespace, which vsftpd does not stand
            [*self.BESIDE, "sh", "-ec", setup + '\n"$@"; exit $?', "sh", *words],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def wait(self, probe):
        for _ in range(1000):
            if probe():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.close()
        with open(f"{self.folder}/output", encoding="utf-8") as file:
            raise RuntimeError(f"{type(self).__name__} does not answer: {file.read()}")

    def wait_for_port(self, *hosts):
        def answers(host):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                return probe.connect_ex((host, self.port)) == 0
        self.wait(lambda: all(answers(host) for host in hosts))

    def close(self):
        # The first of its namespace: the others end with it, before it is gone itself.
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            with open(path, encoding="ascii") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        self.process.wait()
        self.output.close()


def accounts(folder):
    """Mounts after which the one account that can log in is USER, with its home in @folder."""
    def of_system(name):
        with open(f"/etc/{name}", encoding="utf-8") as file:
            return file.read().rstrip("\n") + "\n"

    home, pam = f"{folder}/home", f"{folder}/pam.d"
    os.mkdir(home)
    os.mkdir(pam)
    os.chown(home, UID, UID)
    secret = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, check=True,
                            capture_output=True, text=True).stdout
    write(f"{folder}/passwd", of_system("passwd") + f"{USER}:x:{UID}:{UID}::{home}:/bin/sh\n"
          f"visitor:x:{UID + 1}:{UID}::/:/usr/sbin/nologin\n")
    write(f"{folder}/group", of_system("group") + f"{USER}:x:{UID}:\n")
    write(f"{folder}/shadow", f"{USER}:{secret.strip()}:19000:0:99999:7:::\n", 0o600)
    for service in ("vsftpd", "sshd"):
        write(f"{pam}/{service}", "auth required pam_unix.so nodelay\n"
              "account required pam_unix.so\nsession required pam_permit.so\n")
    return "".join(f"mount --bind {folder}/{name} /etc/{name}\n"
                   for name in ("passwd", "group", "shadow", "pam.d"))


def certificates(folder, *names):
    """A CA, ca.pem, and of each of @names NAME.pem and NAME.key signed by it."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    kinds = {
        "good": ("IP:127.0.0.1,IP:::1,DNS:localhost", "20200101000000Z", "20990101000000Z"),
        "other": ("DNS:www.example.com", "20200101000000Z", "20990101000000Z"),
        "expired": ("IP:127.0.0.1", "20200101000000Z", "20210101000000Z"),
        "early": ("IP:127.0.0.1", "20980101000000Z", "20990101000000Z"),
    }
    os.mkdir(folder)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=wmopkg test CA", "-days", "36500", "-keyout", f"{folder}/ca.key",
            "-out", f"{folder}/ca.pem")
    write(f"{folder}/index", "")
    for name in names or kinds:
        alternative, begin, end = kinds[name]
        configuration = write(f"{folder}/{name}.cnf", f"""
[ca]
default_ca = it
[it]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[extensions]
subjectAltName = {alternative}
""")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr")
        openssl("ca", "-batch", "-config", configuration, "-cert", f"{folder}/ca.pem",
                "-keyfile", f"{folder}/ca.key", "-startdate", begin, "-enddate", end,
                "-extensions", "extensions", "-notext", "-in", f"{folder}/{name}.csr", "-out",
                f"{folder}/{name}.pem")
    return folder


class Nginx(Daemon):
    """http on .port of both loopbacks; https, one port for each certificate, on .tls[NAME]."""

    CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log {folder}/access.log;
    log_format bytes "$status $request_length $bytes_sent $request_uri";
    access_log {folder}/bytes.log bytes;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
        include {folder}/locations;
    }}
    {tls}
}}
"""
    LOCATIONS = """
root {web};
location /forbidden/ {{ return 403; }}
location /broken/ {{ return 500; }}
location /private/ {{ alias {web}/; auth_basic here; auth_basic_user_file {folder}/users; }}
location /noranges/ {{ alias {web}/; max_ranges 0; }}
location = /old/pkgname.wmopkg {{ return 302 /pkgname.wmopkg; }}
location = /ftp/pkgname.wmopkg {{ return 302 ftp://127.0.0.1/pkgname.wmopkg; }}
location = /file/pkgname.wmopkg {{ return 302 file:///etc/passwd; }}
location = /round/pkgname.wmopkg {{ return 302 /round/pkgname.wmopkg; }}
location = /nowhere/pkgname.wmopkg {{ return 204; }}
{more}
"""
    TLS = """
    server {{
        listen 127.0.0.1:{port} ssl;
        listen [::1]:{port} ssl;
        ssl_certificate {keys}/{name}.pem;
        ssl_certificate_key {keys}/{name}.key;
        include {folder}/locations;
    }}
"""

    def __init__(self, folder, web, keys=None, more=""):
        """@keys: folder of certificates(); @more: further locations"""
        os.mkdir(folder)
        self.port = free_port()
        self.tls = {file[:-4]: free_port() for file in sorted(os.listdir(keys))
                    if file.endswith(".csr")} if keys else {}
        tls = "".join(self.TLS.format(port=port, keys=keys, name=name, folder=folder)
                      for name, port in self.tls.items())
        write(f"{folder}/locations", self.LOCATIONS.format(web=web, folder=folder, more=more))
        write(f"{folder}/users", f"{USER}:{{PLAIN}}{PASSWORD}\n")
        write(f"{folder}/nginx.conf", self.CONFIGURATION.format(
            folder=folder, port=self.port, tls=tls))
        super().__init__(folder, ["nginx", "-e", f"{folder}/error.log", "-c",
                                  f"{folder}/nginx.conf"])
        self.wait_for_port("127.0.0.1", "::1")


class OpenSsl(Daemon):
    """https by `openssl s_server` on .port, which speaks whatever @options tell it to."""

    def __init__(self, folder, web, keys, *options):
        """@keys: folder of certificates(), of which the one called good is shown"""
        os.mkdir(folder)
        self.port = free_port()
        super().__init__(folder, ["sh", "-ec", 'cd "$1"; shift; exec "$@"', "sh", web,
                                  "openssl", "s_server", "-accept", f"127.0.0.1:{self.port}",
                                  "-cert", f"{keys}/good.pem", "-key", f"{keys}/good.key",
                                  "-WWW", *options])
        self.wait_for_port("127.0.0.1")


class Ftp(Daemon):
    """
    vsftpd on .port of @host; anonymous below @web, USER in .home. .commands(): all that it was
    told and said.
    """

    def __init__(self, folder, web, host="127.0.0.1", anonymous=True, options="", port=None):
        os.mkdir(folder)
        os.mkdir(f"{folder}/empty")
        self.port = port or free_port()
        self.home = f"{folder}/home"
        setup = accounts(folder)
        listen = f"listen=NO\nlisten_ipv6=YES\nlisten_address6={host}" if ":" in host else \
            f"listen=YES\nlisten_ipv6=NO\nlisten_address={host}"
        write(f"{folder}/vsftpd.conf", f"""
{listen}
listen_port={self.port}
background=NO
anonymous_enable={"YES" if anonymous else "NO"}
ftp_username=visitor
anon_root={web}
local_enable=YES
pam_service_name=vsftpd
secure_chroot_dir={folder}/empty
xferlog_enable=YES
xferlog_std_format=NO
log_ftp_protocol=YES
vsftpd_log_file={folder}/log
delay_failed_login=0
{options}
""".lstrip())
        super().__init__(folder, ["vsftpd", f"{folder}/vsftpd.conf"], setup)
        self.wait_for_port(host)

    def commands(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as file:
            return file.read()


class Tftp(Daemon):
    """tftpd-hpa on .port of @host, whose files are those of @web that all may read."""

    def __init__(self, folder, web, host="127.0.0.1", options=(), port=None):
        os.mkdir(folder)
        self.host, self.port = host, port or free_port(socket.SOCK_DGRAM)
        address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        super().__init__(folder, ["in.tftpd", "--foreground", "--address", address, "--user",
                                  "nobody", "--secure", *options, web])
        self.wait(self._answers)

    def _answers(self):
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET,
                           socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.1)
            try:
                probe.sendto(b"\0\1no such file\0octet\0", (self.host, self.port))
                return probe.recv(100)[:2] == b"\0\5"  # from a port of its own
            except OSError:
                return False


class Ssh(Daemon):
    """
    OpenSSH on .port of both loopbacks: scp and sftp for USER, in .home. Its host keys are .keys:
    type -> path; .authorize(): lets a key in; .log(): what it noted.
    """

    CONFIGURATION = """
ListenAddress 127.0.0.1
ListenAddress ::1
Port {port}
PidFile none
UsePAM yes
StrictModes no
LogLevel DEBUG1
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication yes
KbdInteractiveAuthentication no
Subsystem sftp {sftp}
"""

    def __init__(self, folder, types=("ed25519",), options="", port=None,
                 sftp="/usr/lib/openssh/sftp-server", mounts=""):
        """@options: lines that come before all others, and win; @sftp: the program for it; @mounts:
        commands for more mounts of its own"""
        os.mkdir(folder)
        self.port = port or free_port()
        self.home = f"{folder}/home"
        self.keys = {kind: make_key(f"{folder}/host_{kind}", kind) for kind in types}
        keys = "".join(f"HostKey {path}\n" for path in self.keys.values())
        configuration = write(f"{folder}/sshd_config", options + "\n" + keys +
                              self.CONFIGURATION.format(folder=folder, port=self.port,
                                                          sftp=sftp))
        # where it wants an empty folder of its own
        setup = accounts(folder) + "mount -t tmpfs tmpfs /run\nmkdir -m 755 /run/sshd\n" + mounts
        super().__init__(folder, ["/usr/sbin/sshd", "-D", "-e", "-f", configuration], setup)
        self.wait_for_port("127.0.0.1", "::1")

    def authorize(self, key):
        with open(f"{key}.pub", encoding="utf-8") as public:
            write(f"{self.folder}/authorized", public.read())

    def log(self):
        with open(f"{self.folder}/output", encoding="utf-8", errors="replace") as file:
            return file.read()


def make_key(path, kind="ed25519", passphrase=""):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path],
                   check=True, stdin=subprocess.DEVNULL)
    return path


class Cutter:
    """
    A way to the server on @port of which the first connections break: each after so many bytes
    from the server as @cuts says. .connections: how many there were.
    """

    def __init__(self, port, *cuts):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target, self.cuts = port, list(cuts)
        self.connections = 0
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            left = self.cuts.pop(0) if self.cuts else None
            self.threads.append(threading.Thread(target=self._connect, args=(client, left)))
            self.threads[-1].start()

    def _connect(self, client, left):
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            back = threading.Thread(target=self._carry, args=(client, server, None))
            back.start()
            self._carry(server, client, left)
            back.join()

    @staticmethod
    def _carry(source, sink, left):
        try:
            while part := source.recv(65536 if left is None else min(left, 65536)):
                sink.sendall(part)
                if left is not None:
                    left -= len(part)
            # Cut: what the client has not read yet must come to it. It would be dropped by a reset,
            # which an end of both directions is where something of the client was not read.
            if left == 0:
                sink.shutdown(socket.SHUT_WR)
                return
        except OSError:  # the other direction has ended it
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """After the client is gone."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()
