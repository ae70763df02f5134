from blockstm._native.codec import Codec

LOCATIONS: Codec
LOCATION_VALUES: Codec
