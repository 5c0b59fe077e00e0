#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unsquashfs unpacks what overlay_image_write() packed, from a folder and from the tars
that GNU tar and Python write of it, and finds every byte and attribute again.

usage: test_image_unsquashfs.py IMAGE-WRITE        (as root: device nodes, trusted.*)
"""
import hashlib
import os
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile

DATE = 1600000000
OLD = 1500000000
PAGE = 4096
OPAQUE = {b'trusted.overlay.opaque': b'y'}


def put(path, content, mode=0o644):
    with open(path, 'wb') as file:
        file.write(content)
    os.chmod(path, mode)


def make_special(tree):
    os.mknod(tree + b'/hidden', stat.S_IFCHR, os.makedev(0, 0))
    os.mknod(tree + b'/null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(tree + b'/disk', stat.S_IFBLK | 0o660, os.makedev(259, 70000))
    os.mkfifo(tree + b'/fifo', 0o600)
    os.symlink(b'../nowhere/\xff', tree + b'/etc/link')
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(tree + b'/socket')


def make_files(tree):
    text = b''.join(b'line %d\n' % i for i in range(60000))
    put(tree + b'/empty', b'')
    put(tree + b'/etc/app/config', b'hello\n', 0o640)
    put(tree + b'/usr/bin/block', os.urandom(131072), 0o755)
    put(tree + b'/usr/bin/tail', text, 0o4755)
    put(tree + b'/usr/bin/copy', text, 0o755)
    put(tree + b'/zeros', bytes(500000))
    put(tree + b'/na\xff\xfe\x01 me', b'bytes')
    put(tree + b'/' + 'ä'.encode() * 100, b'utf-8')
    put(tree + b'/' + b'n' * 255, b'long')
    os.link(tree + b'/etc/app/config', tree + b'/etc/app/other')
    os.link(tree + b'/etc/app/config', tree + b'/a-hard-link')
    for i in range(4000):
        put(tree + b'/many/entry-%04d' % i, b'%d' % (i % 100))
    deep = tree + b'/deep'
    for i in range(150):
        deep += b'/%d' % i
        os.mkdir(deep)
    put(deep + b'/leaf', b'leaf')


def make_sparse(tree):
    with open(tree + b'/sparse', 'wb') as file:
        file.truncate(5 << 30)
        file.seek(3 << 30)
        file.write(b'middle')
        file.seek((4 << 30) + 3 * 131072)
        file.write(b'Z' * 300000)
        file.seek((5 << 30) - 3)
        file.write(b'end')
    with open(tree + b'/hole', 'wb') as file:
        file.truncate(1000000)


def make_xattrs(tree):
    os.setxattr(tree + b'/etc/app/config', b'user.key', b'a\0b')
    os.setxattr(tree + b'/etc', b'trusted.empty', b'')
    os.setxattr(tree + b'/usr/bin/tail', b'security.capability',
                bytes.fromhex('0100000200200000000000000000000000000000'))
    os.setxattr(tree + b'/hidden', b'trusted.node', b'q')
    os.setxattr(tree + b'/etc/link', b'trusted.link', b'l' * 1000, follow_symlinks=False)


def make_tree(tree):
    for folder in (b'/etc/app', b'/usr/bin', b'/many', b'/deep', b'/opaque', b'/sticky'):
        os.makedirs(tree + folder)
    make_files(tree)
    make_special(tree)
    make_sparse(tree)
    make_xattrs(tree)
    os.chmod(tree + b'/sticky', 0o1777)
    os.chmod(tree, 0o700)
    for name in (b'/etc/.wh.gone', b'/etc/.wh.link', b'/opaque/.wh..wh..opq'):
        put(tree + name, b'')
    for path in (b'/empty', b'/many', b'/etc/link'):
        os.utime(tree + path, (OLD, OLD), follow_symlinks=False)


def pages(path, size):
    """What is not zero in a file, without reading its holes."""
    found = hashlib.sha256()
    with open(path, 'rb') as file:
        place = 0
        while place < size:
            try:
                place = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:
                break
            place -= place % PAGE
            part = os.pread(file.fileno(), PAGE, place)
            if part.strip(b'\0'):
                found.update(b'%d:' % place + part)
            place += PAGE
    return found.hexdigest()


def facts(path):
    st = os.lstat(path)
    fact = {
        'mode': st.st_mode, 'owner': (st.st_uid, st.st_gid), 'mtime': int(st.st_mtime),
        'xattrs': {os.fsencode(name): os.getxattr(path, name, follow_symlinks=False)
                   for name in os.listxattr(path, follow_symlinks=False)},
    }
    if not stat.S_ISDIR(st.st_mode):
        fact['links'] = st.st_nlink
    if stat.S_ISREG(st.st_mode):
        fact['data'] = (st.st_size, pages(path, st.st_size))
    if stat.S_ISLNK(st.st_mode):
        fact['target'] = os.readlink(path)
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        fact['device'] = st.st_rdev
    return fact


def survey(tree):
    """Every entry's facts, and which names are one file."""
    found, same = {b'': facts(tree)}, {}
    for folder, folders, files in os.walk(tree):
        for name in folders + files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, tree)
            found[relative] = facts(path)
            if found[relative].get('links', 1) > 1:
                same.setdefault(os.lstat(path).st_ino, set()).add(relative)
    return found, sorted(map(sorted, same.values()))


def expected(tree, owner=(0, 0), sockets=True):
    found, same = survey(tree)
    for fact in found.values():
        fact['mtime'] = min(fact['mtime'], DATE)
        fact['owner'] = owner
    found[b''].update(mode=stat.S_IFDIR | 0o755, owner=(0, 0))
    for marker in (b'etc/.wh.gone', b'etc/.wh.link', b'opaque/.wh..wh..opq'):
        del found[marker]
    found[b'etc/gone'] = {'mode': stat.S_IFCHR, 'owner': (0, 0), 'mtime': DATE,
                          'xattrs': {}, 'links': 1, 'device': 0}
    found[b'opaque']['xattrs'] = OPAQUE
    if not sockets:
        del found[b'socket']
    return found, same


def run(*command):
    result = subprocess.run(command, capture_output=True)
    if result.returncode:
        sys.exit(f'{command}: {result.returncode}\n{result.stderr.decode()}')
    return result.stdout


def pack(program, source, image, compressor, threads='0', attributes=('all',)):
    size = run(program, source, image, compressor, threads, str(DATE), *attributes)
    assert int(size) == os.stat(image).st_size, size


def check(label, work, image, want):
    out = work + b'/unpacked'
    run('unsquashfs', '-no-progress', '-d', out, image)
    found, same = survey(out)
    lines = run('unsquashfs', '-lls', image).splitlines()
    subprocess.run(['rm', '-rf', out], check=True)
    for path in sorted(want[0].keys() | found.keys()):
        if want[0].get(path) != found.get(path):
            sys.exit(f'{label}: {path}: wanted {want[0].get(path)}, is {found.get(path)}')
    if want[1] != same:
        sys.exit(f'{label}: hard links: wanted {want[1]}, are {same}')
    if sum(b' squashfs-root' in line for line in lines) != len(found):
        sys.exit(f'{label}: unsquashfs -lls lists another number of entries')
    print(f'ok: {label}: {len(found)} entries')


def check_super(image):
    said = run('unsquashfs', '-s', image).decode()
    for line in ('Compression zstd', 'Block size 131072', 'Sun Sep 13 12:26:40 2020'):
        assert line in said, said


def python_tar(tree, archive):
    """Python's pax headers: names that are no UTF-8, attributes, its own order."""
    with tarfile.open(os.fsdecode(archive), 'w', format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(os.fsdecode(tree)):
            for name in sorted(folders + files, reverse=True):
                path = os.path.join(folder, name)
                info = tar.gettarinfo(path, os.path.relpath(path, os.fsdecode(tree)))
                if info is None or name == 'sparse':
                    continue
                info.uid, info.gid = 1000, 70000
                for key in os.listxattr(path, follow_symlinks=False):
                    value = os.getxattr(path, key, follow_symlinks=False)
                    info.pax_headers['SCHILY.xattr.' + key] = \
                        value.decode('utf-8', 'surrogateescape')
                with open(path, 'rb') if info.isreg() else open(os.devnull, 'rb') as file:
                    tar.addfile(info, file)


def check_python(program, work, tree):
    archive, image = work + b'/python.tar', work + b'/image'
    python_tar(tree, archive)
    want, same = expected(tree, (1000, 70000), sockets=False)
    del want[b'sparse']
    want[b''].update(mtime=DATE)
    pack(program, archive, image, 'zstd')
    check('a tar of Python', work, image, (want, same))


def check_gnu(program, work, tree):
    image = work + b'/image'
    for form in ('gnu', 'posix'):
        archive = work + b'/gnu.tar'
        run('tar', '-C', tree, '--warning=no-file-ignored', '--format=posix', '--xattrs',
            '--xattrs-include=*', '--sparse', '-cf', archive, '.') if form == 'posix' else \
            run('tar', '-C', tree, '--warning=no-file-ignored', '--format=gnu', '--sparse',
                '-cf', archive, '.')
        want = expected(tree, sockets=False)
        if form == 'gnu':
            for path, fact in want[0].items():
                fact['xattrs'] = OPAQUE if path == b'opaque' else {}
        pack(program, archive, image, 'zstd')
        check(f'a {form} tar of GNU tar', work, image, want)
        digest = hashlib.sha256(open(image, 'rb').read()).digest()
        for tool in ('gzip', 'xz', 'zstd'):
            packed = work + b'/packed'
            with open(packed, 'wb') as out:
                subprocess.run([tool, '-c', archive], stdout=out, check=True)
            pack(program, packed, image, 'zstd', '3')
            assert hashlib.sha256(open(image, 'rb').read()).digest() == digest, tool


def main():
    program = sys.argv[1]
    os.environ.update(LC_ALL='C.UTF-8', TZ='UTC')
    if os.geteuid() != 0:
        sys.exit('this test needs root: device nodes and trusted attributes')
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix='wmopkg-image-') as name:
        work = os.fsencode(name)
        tree, image = work + b'/tree', work + b'/image'
        os.mkdir(tree)
        make_tree(tree)
        want = expected(tree)
        for compressor in ('zstd', 'xz', 'gzip'):
            pack(program, tree, image, compressor)
            check(f'a folder, {compressor}', work, image, want)
        for fact in want[0].values():
            fact['xattrs'] = {key: value for key, value in fact['xattrs'].items()
                              if key in (b'security.capability', *OPAQUE)}
        pack(program, tree, image, 'lz4', attributes=())
        check('a folder, lz4, without its other attributes', work, image, want)
        pack(program, tree, image, 'zstd')
        check_super(image)
        check_gnu(program, work, tree)
        check_python(program, work, tree)


main()
