"""A folder of results as objects that a person, or a web browser, opens in a bucket."""

import json
import mimetypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grid.store.manifest import FileDigest
from grid.store.s3 import AT_ONCE, Bucket, at_once

LINKS = "links.json"  # what the folder's links lead to, relative to the storage
LINK = ".link"  # behind the name of a link to a folder
DIGEST = "sha256"  # metadata


def publish(bucket: Bucket, root: Path, folder: Path) -> None:
    """Upload a folder as it is: links to files as these files, links to folders as a text that says where these are.

    The file that was written last is deleted first, as soon as anything else differs, and uploaded last: whoever finds
    it finds all others as they belong to it. What the folder does not have any more is deleted.

    Parameters
    ----------
    bucket : Bucket
    root : Path
        The mirror.
    folder : Path
        Under the mirror.
    """
    name = folder.relative_to(root).as_posix()
    files, texts = _files(bucket, root, folder)
    there = bucket.listed(f"{name}/")
    gone = there.keys() - {f"{name}/{each}" for each in (*files, *texts)}
    digests = {each: FileDigest.of(path) for each, path in files.items()}

    def is_same(each: str) -> bool:
        listed = there.get(f"{name}/{each}")
        if listed is None or listed.bytes != digests[each].size:
            return False
        return (bucket.metadata(f"{name}/{each}") or {}).get(DIGEST) == digests[each].sha256

    def put(each: str) -> None:
        kind = mimetypes.guess_type(files[each].name)[0]
        bucket.put_file(f"{name}/{each}", files[each], {DIGEST: digests[each].sha256}, kind)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        changed = [each for each, same in zip(files, threads.map(is_same, files), strict=True) if not same]
    if not changed and not gone and bucket.read(f"{name}/{LINKS}") == texts[LINKS]:
        return
    last = max(files, key=lambda each: files[each].lstat().st_mtime_ns, default="")
    bucket.delete([*([f"{name}/{last}"] if last else []), *sorted(gone)])
    at_once(put, [each for each in changed if each != last])
    at_once(lambda each: bucket.write(f"{name}/{each}", texts[each]), texts)
    if last:
        put(last)


def _files(bucket: Bucket, root: Path, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files of a folder by relative name, and the texts that stand for links."""
    files, links = {}, {}
    for parent, folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *names)):
            name = path.relative_to(folder).as_posix()
            target = path.resolve()
            if path.is_symlink() and target.exists() and target.is_relative_to(root.resolve()):
                links[name] = target.relative_to(root.resolve()).as_posix()
            if path.is_file() and not path.name.startswith("."):
                files[name] = path
    texts = {f"{name}{LINK}": f"{bucket.location}/{target}\n" for name, target in links.items() if name not in files}
    return files, texts | {LINKS: json.dumps(links, indent=1, ensure_ascii=False)}
