"""Write a set as COCO or YOLO: python scripts/convert.py data=voc data.root=PATH output=DIR format=yolo."""

from detector.app.command import command
from detector.app.convert import run

main = command("convert")(run)

if __name__ == "__main__":
    main()
