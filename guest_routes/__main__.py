"""python -m guest_routes"""

from .cli import run

if __name__ == "__main__":
    run()
