"""nginx as Debian packages it, by the examples of the docs."""

import os
from pathlib import Path

from broker import Process

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def nginx(folder, example, **replaced):
    """Starts it by an example. Addresses that end like a keyword's name, such as `to_8080`, end by its value instead."""
    conf = (EXAMPLES / example).read_text()
    for port, instead in replaced.items():
        conf = conf.replace(f":{port.removeprefix('to_')}", f":{instead}")
    # It runs as whoever started it, writes below its own folder, and stays a child.
    (folder / "nginx").mkdir()
    paths = [f"{kind}_temp_path nginx/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    conf = conf.replace("http {", "\n".join(["http {", "access_log nginx/access.log;", *paths]), 1)
    (folder / example).write_text(f"pid nginx/pid;\ndaemon off;\nuser root;\n{conf}")
    program = Path(os.environ["INTEROP_WORK"]) / "nginx/usr/sbin/nginx"
    return Process([program, "-p", folder, "-e", "stderr", "-c", folder / example])
