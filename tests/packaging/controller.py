# SPDX-License-Identifier: MIT
"""A controller with Ansible and our collection: it is built and installed as users do it."""

import glob
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
COLLECTION = os.path.join(HERE, "..", "..", "packaging", "ansible")


class Controller:
    """Its files, and its home, are in @folder, which has a short name: sockets lie in it."""

    def __init__(self, folder):
        self.folder = folder
        self.hosts = {}
        os.makedirs(f"{folder}/home")
        self.environment = {
            **os.environ, "HOME": f"{folder}/home", "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": f"{folder}/home",
            "ANSIBLE_LOCAL_TEMP": f"{folder}/home/tmp", "ANSIBLE_COLLECTIONS_PATH": f"{folder}/collections",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{folder}/cp", "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_CALLBACK_PLUGINS": f"{HERE}/callback", "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "8", "ANSIBLE_TIMEOUT": "60", "WMOPKG_RESULTS": f"{folder}/results",
            # what a device without Python shows where a module is run on it
            "ANSIBLE_PYTHON_INTERPRETER": "/nonexistent/python",
        }
        self.run("ansible-galaxy", "collection", "build", COLLECTION, "--output-path", folder)
        archive, = glob.glob(f"{folder}/*.tar.gz")
        self.run("ansible-galaxy", "collection", "install", archive, "--offline", "-p", f"{folder}/collections")

    def run(self, *words):
        done = subprocess.run(words, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=1500)
        if done.returncode:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def write(self, name, content):
        """A file for Ansible: JSON is YAML."""
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return path

    def playbook(self, playbook, *words, **variables):
        """Exit status, output, and the results of the tasks: host, task, status, result."""
        results = self.environment["WMOPKG_RESULTS"]
        with open(results, "w", encoding="utf-8"):
            pass
        inventory = self.write("hosts.json", {"all": {"hosts": self.hosts}})
        extra = self.write("extra.json", variables)
        done = subprocess.run(["ansible-playbook", "-i", inventory, "-e", f"@{extra}", *words, playbook],
                              env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=1500)
        with open(results, encoding="utf-8") as file:
            return done.returncode, done.stdout + done.stderr, [json.loads(line) for line in file]
