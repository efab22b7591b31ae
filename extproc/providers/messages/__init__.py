"""Anthropic's Messages format, spoken over chat by any provider that can.

request.py   the body, with  blocks.py   its messages  and  tools.py   its tools
answer.py    a whole answer as a Message
events.py    a streamed one as events
naming.py    ids and names that one side would refuse

https://platform.claude.com/docs/en/api/messages
"""

from extproc.providers.bridge import Bridge
from extproc.providers.messages.answer import message
from extproc.providers.messages.events import MessageEvents, unstream
from extproc.providers.messages.request import FIELDS, OPTIONAL, chat_body

BRIDGE = Bridge(chat_body, message, MessageEvents, unstream, optional=OPTIONAL, fields=FIELDS)
