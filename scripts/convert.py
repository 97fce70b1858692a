"""Write a set as COCO or YOLO: python scripts/convert.py data=voc data.root=PATH output=DIR format=yolo."""

from detector.app.cli import command
from detector.app.commands.convert import run

main = command("convert")(run)

if __name__ == "__main__":
    main()
