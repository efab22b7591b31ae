"""Google's generateContent as the format that clients speak, over chat.

https://ai.google.dev/api/generate-content
"""

from extproc.providers.bridge import Bridge
from extproc.providers.generate.chunks import Events
from extproc.providers.generate.request import FIELDS, OPTIONAL, request
from extproc.providers.generate.response import response, unstream

BRIDGE = Bridge(request, response, Events, unstream, OPTIONAL, FIELDS)
