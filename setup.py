"""The package's metadata; tools are configured in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
RUNTIME = ["requests>=2.25", "PyYAML>=5.3", "pyroute2>=0.7.2"]
DOCTOR = ["netifaces-plus"]
COMPLETION = [
    ("bash-completion/completions", "guest-routes"),
    ("zsh/site-functions", "_guest-routes"),
    ("fish/vendor_completions.d", "guest-routes.fish"),
]

readme = HERE / "README.md"
found = re.search(r'^__version__ = "([^"]+)"', (HERE / "guest_routes/__init__.py").read_text("utf-8"), re.MULTILINE)
if found is None:
    raise SystemExit("setup.py: no __version__ in guest_routes/__init__.py")

setup(
    name="guest-routes",
    version=found.group(1),
    description="Host routes from OpenStack's metadata into the kernel of the instance, and one default route",
    long_description=readme.read_text("utf-8") if readme.exists() else "",
    long_description_content_type="text/markdown",
    author="guest-routes developers",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.9",
    # Named here because setuptools refuses to guess with this many folders at the top.
    packages=find_packages(include=["guest_routes", "guest_routes.*"]),
    py_modules=["cc_guest_routes"],
    package_dir={"": "cloudinit_module", "guest_routes": "guest_routes"},
    package_data={"guest_routes": ["py.typed"]},
    install_requires=RUNTIME,
    extras_require={
        "doctor": DOCTOR,
        "dev": [
            *DOCTOR,
            "coverage",
            "hypothesis",
            "import-linter",
            "jsonschema",
            "mypy",
            "pytest",
            "pytest-xdist",
            "radon",
            "ruff",
            "setuptools",  # From Python 3.12 on an environment has none by itself.
            "shtab",
            "types-PyYAML",
            "types-requests",
        ],
        "cloud": ["openstacksdk"],
        "fuzz": ["atheris"],
        "publish": ["build", "check-wheel-contents", "cyclonedx-bom", "shtab", "twine", "validate-pyproject[all]"],
    },
    # Which packaging/build makes; pip puts it where the shells look, below the environment's own prefix.
    data_files=[
        (f"share/{folder}", [f"packaging/completion/{name}"])
        for folder, name in COMPLETION
        if (HERE / "packaging/completion" / name).exists()
    ],
    # Not an entry point: the script that is made of one imports `re`, which takes a quarter of a pass.
    scripts=["packaging/guest-routes"],
    keywords="openstack neutron calico cloud-init host-routes metadata netlink",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Environment :: No Input/Output (Daemon)",
        "Environment :: OpenStack",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: System :: Boot",
        "Topic :: System :: Networking",
        "Topic :: System :: Systems Administration",
        "Typing :: Typed",
    ],
)
