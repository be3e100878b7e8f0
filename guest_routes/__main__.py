"""python -m guest_routes"""

from .cli.main import run

if __name__ == "__main__":
    run()
