"""Source routing: packets that carry a NIC's address leave by that NIC (R21).

Pure: may import model and the rest of routing; of routing only decide.py and lookups/prediction.py import it.
"""
